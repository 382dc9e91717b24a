// MCP with the official TypeScript SDK: a host connects by URL and calls two tools.
//
//     npm install @modelcontextprotocol/sdk
//     arc ensure
//     node mcp_typescript.mjs http://127.0.0.1:6969
//
// prints
//
//     there are tools to post and to lock
//     posted: I take the parser.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const url = new URL('/mcp?agent=ada', process.argv[2] ?? 'http://127.0.0.1:6969');
const host = new Client({ name: 'example', version: '1.0.0' });
await host.connect(new StreamableHTTPClientTransport(url));

const { tools } = await host.listTools();
const names = tools.map((tool) => tool.name);
if (names.includes('arc_post_message') && names.includes('arc_acquire_lock')) {
  console.log('there are tools to post and to lock');
}
const body = 'I take the parser.';
const posted = await host.callTool({ name: 'arc_post_message', arguments: { channel: 'general', body } });
if (!posted.isError) console.log(`posted: ${body}`);
await host.close();
