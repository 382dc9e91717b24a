"""The real coding agents, run for one turn in a repository against a model that is written down.

They are found in the folder that `ARC_TEST_HARNESSES` names (`node_modules/.bin`), or on the path. Nothing of the
caller's home or keys goes in, and nothing but loopback is reached: the proxy that they are given is a closed port.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

WITHIN_SEC = 90
PROGRAMS = {"claude-code": "claude", "codex": "codex", "gemini": "gemini", "opencode": "opencode", "qwen": "qwen"}
CLOSED = "http://127.0.0.1:9"


def find_program(harness: str) -> str | None:
    """The harness's program; None where it is not installed."""
    folder = os.environ.get("ARC_TEST_HARNESSES")
    path = f"{folder}{os.pathsep}{os.environ['PATH']}" if folder else None
    return shutil.which(PROGRAMS[harness], path=path)


def settle(harness: str, repository: Path, home: Path) -> None:
    """Give a home what a harness needs to begin, unless it has that; what setup adds afterwards stays."""
    home.mkdir(exist_ok=True)
    if harness == "codex":
        _write(home / ".codex" / "config.toml", f'[projects."{repository}"]\ntrust_level = "trusted"\n')
    elif harness == "gemini":
        own = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "general": {"enableAutoUpdate": False}}
        _write(home / ".gemini" / "settings.json", json.dumps(own))
    elif harness == "qwen":
        _write(home / ".qwen" / "settings.json", json.dumps({"general": {"enableAutoUpdate": False}}))


def run_turn(harness: str, repository: Path, home: Path, model_url: str, prompt: str = "Go on.") -> str:
    """Let a harness do one turn without a screen; what it printed."""
    settle(harness, repository, home)
    program = find_program(harness)
    assert program is not None
    environment, arguments = _ways(harness, home, model_url, prompt)
    names = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy")
    surroundings = {
        "PATH": os.pathsep.join([str(Path(program).parent), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(home),
        "TMPDIR": str(home),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "IS_SANDBOX": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
        **dict.fromkeys(names, CLOSED),
        **environment,
    }
    done = subprocess.run(
        [program, *arguments],
        cwd=repository,
        env=surroundings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WITHIN_SEC,
        check=False,
    )
    return done.stdout + done.stderr


def _ways(harness: str, home: Path, url: str, prompt: str) -> tuple[dict[str, str], list[str]]:
    """How a harness is told of the model, and asked for one turn."""
    if harness == "claude-code":
        environment = {
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_MODEL": "claude-sonnet-4-5",
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
        }
        return environment, ["-p", prompt, "--permission-mode", "bypassPermissions"]
    if harness == "codex":
        provider = (
            f'model_providers.scripted={{name="scripted",base_url="{url}/v1",wire_api="responses",env_key="KEY"}}'
        )
        settings = [provider, 'model_provider="scripted"', 'model="gpt-5-codex"', "analytics.enabled=false"]
        settings += ["check_for_update_on_startup=false", 'otel.exporter="none"']
        settings += ["features.plugins=false", "features.remote_plugin=false", "features.apps=false"]
        options = [word for setting in settings for word in ("-c", setting)]
        trusting = ["--sandbox", "danger-full-access", "--dangerously-bypass-hook-trust"]
        return {"KEY": "none"}, ["exec", "--json", *options, *trusting, prompt]
    if harness == "gemini":
        environment = {"GOOGLE_GEMINI_BASE_URL": url, "GEMINI_API_KEY": "none", "GEMINI_CLI_TRUST_WORKSPACE": "true"}
        environment["GEMINI_TELEMETRY_ENABLED"] = "false"
        return environment, ["-p", prompt, "-m", "gemini-2.5-pro", "--approval-mode", "yolo"]
    if harness == "opencode":
        model = {"name": "scripted", "tool_call": True, "limit": {"context": 100_000, "output": 10_000}}
        reached = {"baseURL": f"{url}/v1", "apiKey": "none"}
        given = {"npm": "@ai-sdk/openai-compatible", "name": "x", "options": reached, "models": {"scripted": model}}
        content = {"model": "x/scripted", "small_model": "x/scripted", "autoupdate": False, "provider": {"x": given}}
        (home / "opencode.json").write_text(json.dumps(content))
        off = ("AUTOUPDATE", "MODELS_FETCH", "LSP_DOWNLOAD", "SHARE", "DEFAULT_PLUGINS")
        environment = {f"OPENCODE_DISABLE_{name}": "1" for name in off}
        environment |= {"OPENCODE_CONFIG": str(home / "opencode.json"), "npm_config_fetch_retries": "0"}
        return environment, ["run", "--format", "json", prompt]
    environment = {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none", "OPENAI_MODEL": "scripted"}
    environment["QWEN_TELEMETRY_ENABLED"] = "false"
    return environment, ["-p", prompt, "--auth-type", "openai", "--model", "scripted", "--approval-mode", "yolo"]


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(content)
