// A whole subscriber in plain NATS: it takes one delivery by push and one by pull, refuses the first attempt of each and
// has the commit of the second confirmed.
import { connect } from "@nats-io/transport-node"

const nc = await connect({ servers: process.argv[2] })
const ask = async (subject, body) => (await nc.request(subject, body, { timeout: 40_000 })).json()
const say = (...words) => console.log(...words)

const pushed = nc.subscribe("kapivara.v1.bucket.node.*", { queue: "node" })
await nc.flush()
say("listening")
for await (const m of pushed) {
  const d = m.json()
  say("pushed", d.stream, d.attempt, d.events.length)
  if (d.attempt === 1) { m.respond('-NAK {"delay": "20ms"}'); continue }
  say((await ask(m.reply, "+ACK")).settled)
  break
}
say("pulling")
for (let done = false; !done;) {
  const { deliveries } = await ask("kapivara.v1.next.node", JSON.stringify({ batch: 10, wait: "20s" }))
  for (const d of deliveries) {
    say("pulled", d.stream, d.attempt, d.events.length)
    done = d.attempt > 1
    const answer = done ? { answer: "ack" } : { answer: "nak", delay: "20ms" }
    say((await ask("kapivara.v1.settle.node", JSON.stringify({ token: d.token, ...answer }))).settled)
  }
}
await nc.drain()
