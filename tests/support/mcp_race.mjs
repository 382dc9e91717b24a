// Polls that the official TypeScript client gives up at the moment when a message comes.
// Usage: node race.mjs http|stdio HUB_URL COUNT timeout|cancel COMMAND...
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [carrier, url, count, way, ...command] = process.argv.slice(2);
const AFTER_MS = 150;
const transport =
  carrier === "http"
    ? new StreamableHTTPClientTransport(new URL(`${url}/mcp?agent=alice`))
    : new StdioClientTransport({ command: command[0], args: command.slice(1), env: process.env, stderr: "ignore" });
const client = new Client({ name: "race", version: "1" });
await client.connect(transport);
const run = Math.random().toString(36).slice(2, 8);
const said = [], read = new Map();
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

async function say() {
  const body = `message ${said.length} of ${run}`;
  said.push(body);
  const answer = await fetch(`${url}/v1/messages`, { method: "POST", body: JSON.stringify({ from_agent: "teller", body }) });
  if (answer.status !== 201) throw new Error(await answer.text());
}

async function poll(timeout, options) {
  const result = await client.callTool({ name: "arc_poll_messages", arguments: { timeout } }, undefined, options);
  const { messages } = JSON.parse(result.content[0].text);
  for (const { body, again } of messages) {
    if (read.has(body) && !again) throw new Error(`${body} was shown twice, and does not say so`);
    read.set(body, true);
  }
  return messages.length;
}

await poll(0);
for (let number = 0; number < Number(count); number++) {
  const giving = new AbortController();
  const options = way === "timeout" ? { timeout: AFTER_MS } : { signal: giving.signal };
  const polling = poll(30, options).catch(() => 0);
  await sleep(AFTER_MS + Math.random() * 8 - 4);
  const saying = say();
  if (way === "cancel") { await sleep(Math.random() * 4); giving.abort(); }
  await saying;
  await polling;
}
while (await poll(0));
await client.close();
const lost = said.filter((body) => !read.has(body));
console.log(JSON.stringify({ said: said.length, lost: lost.length, first: lost.slice(0, 3) }));
process.exit(0);
