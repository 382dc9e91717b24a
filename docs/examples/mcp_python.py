"""MCP with the official Python SDK: a host starts `arc mcp`, lists the tools and calls two.

    pip install mcp
    arc ensure
    python mcp_python.py

prints

    there are tools to post and to lock
    posted as ada
    ada holds src/parser.py
"""

import asyncio
import os

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from arc import ArcClient

ARC = StdioServerParameters(command="arc", args=["mcp", "--agent", "ada"], env=dict(os.environ))


async def main() -> None:
    """Play the host."""
    async with Client(ARC) as host:
        tools = {tool.name for tool in (await host.list_tools()).tools}
        if {"arc_post_message", "arc_acquire_lock"} <= tools:
            print("there are tools to post and to lock")
        await host.call_tool("arc_post_message", {"channel": "general", "body": "I take the parser."})
        await host.call_tool("arc_acquire_lock", {"paths": ["src/parser.py"]})
        with ArcClient.quickstart("reader") as reader:
            print(f"posted as {reader.messages(channel='general', tail=True, limit=1)[0]['from_agent']}")
            for lock in reader.locks(active_only=True):
                print(f"{lock['agent_id']} holds {lock['file_path']}")


asyncio.run(main())
