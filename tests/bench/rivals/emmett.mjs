// Appends to an event store of emmett-postgresql, so many at a time, for as many milliseconds as a line of stdin says, and
// answers each such line with one of JSON. Its first line is the version of Node.js.
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { getPostgreSQLEventStore } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'

const [url, concurrent, type, data, events] = process.argv.slice(2)
const length = Number(events)
const pool = new pg.Pool({ connectionString: url, max: Number(concurrent), idleTimeoutMillis: 0 })
const store = getPostgreSQLEventStore(url, { connectionOptions: { pool } })
await store.schema.migrate()
const event = { type, data: JSON.parse(data) }

const streams = Array.from({ length: Number(concurrent) }, () => ({ version: length }))

// worker writes a stream of its own, and a new one after so many events. It says the version that the stream must have,
// which saves the store from looking it up.
async function worker(stream, until, latencies) {
  for (let from = performance.now(); from < until; ) {
    if (stream.version === length) Object.assign(stream, { name: `order-${randomUUID()}`, version: 0 })
    await store.appendToStream(stream.name, [event], { expectedStreamVersion: BigInt(stream.version) })
    stream.version++
    const now = performance.now()
    latencies.push(Math.round((now - from) * 1000))
    from = now
  }
}

async function round(milliseconds) {
  const began = performance.now()
  const latencies = []
  await Promise.all(streams.map((s) => worker(s, began + milliseconds, latencies)))
  return { elapsed: performance.now() - began, latencies }
}

console.log(process.version)
for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await round(Number(line)).catch((e) => ({ error: String(e) }))))
}
process.exit(0)
