// arc:begin  Written by `arc setup opencode`; `arc setup --remove` takes it away.
// Before a tool runs, the hub is asked; what it refuses is thrown, which is how opencode refuses a tool.
import { spawn } from "node:child_process"
import { readFileSync } from "node:fs"

// A repository's hub is called; where this is for all folders of a user, a command finds the hub of the folder.
const HUB = "@URL@"
const HOOK = @COMMAND@
const CLOSED = @CLOSED@
const AWAY = "Arc: the hub of this folder does not answer; nothing is guarded until it does."
const REFUSED = "Arc: the hub of this folder does not answer, and no tool runs here without it. arc ensure starts it."

// The process and its start tell a window, as they do for the MCP server of this window.
const started = () => {
  try {
    return readFileSync("/proc/self/stat", "latin1").split(")").pop().trim().split(/\s+/)[19]
  } catch {
    return ""
  }
}

const boot = () => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim()
  } catch {
    return ""
  }
}

export const Arc = async ({ directory }) => {
  const token = process.env.ARC_TOKEN ? { authorization: `Bearer ${process.env.ARC_TOKEN}` } : {}
  const host = `${process.pid} ${started()} ${boot()}`.trim()
  const known = new Set()
  const given = new Map()
  const told = new Set() // sessions that know of this outage
  const call = async (body) => {
    const answer = await fetch(HUB, {
      method: "POST",
      headers: { "content-type": "application/json", "x-arc-host-process": host, ...token },
      body,
      signal: AbortSignal.timeout(4000),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return text
  }
  const run = (body) =>
    new Promise((resolve, reject) => {
      const [program, ...words] = HOOK
      const hook = spawn(program, words, { cwd: directory, stdio: ["pipe", "pipe", "ignore"], timeout: 6000 })
      let text = ""
      hook.stdout.on("data", (part) => (text += part))
      hook.stdin.on("error", () => {})
      hook.on("error", reject)
      hook.on("close", () => resolve(text))
      hook.stdin.end(body)
    })
  const ask = async (event, more) => {
    try {
      const body = JSON.stringify({ event, directory, ...more })
      const text = await (HUB ? call(body) : run(body))
      told.delete(more.sessionID)
      return text ? JSON.parse(text) : {}
    } catch {
      if (CLOSED && event === "before") return { refusal: REFUSED }
      if (!["start", "prompt"].includes(event) || told.has(more.sessionID)) return {}
      told.add(more.sessionID)
      return { context: AWAY }
    }
  }
  return {
    "chat.message": async ({ sessionID }, output) => {
      const event = known.has(sessionID) ? "prompt" : "start"
      known.add(sessionID)
      const { context } = await ask(event, { sessionID })
      const part = output?.parts?.find((one) => one.type === "text")
      if (context && part) part.text = `${part.text}\n\n${context}`
    },
    "tool.execute.before": async ({ tool, sessionID, callID }, output) => {
      given.set(callID, output.args)
      const { refusal } = await ask("before", { tool, sessionID, args: output.args })
      if (refusal) {
        given.delete(callID)
        throw new Error(refusal)
      }
    },
    "tool.execute.after": async ({ tool, sessionID, callID }, output) => {
      const args = given.get(callID)
      given.delete(callID)
      const { context } = await ask("after", { tool, sessionID, args })
      if (context && typeof output?.output === "string") output.output += `\n\n${context}`
    },
    event: async ({ event }) => {
      if (event.type === "session.status" && event.properties?.status?.type === "idle")
        await ask("idle", { sessionID: event.properties.sessionID })
    },
  }
}
// arc:end
