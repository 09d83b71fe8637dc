// Takes orders of tea: the price is the catalog's, the order goes into PostgreSQL, a count
// of it into Redis, and an event of it to Kafka.
const http = require('node:http')
const { Kafka, Partitioners } = require('kafkajs')
const { Pool } = require('pg')
const Redis = require('ioredis')
const { terms } = require('./terms')

const db = new Pool({ connectionString: process.env.DATABASE_URL })
const redis = new Redis(process.env.REDIS_URL)
const kafka = new Kafka({ clientId: 'orders', brokers: process.env.KAFKA_BROKERS.split(','), logLevel: 1 })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })

// trace is what a request is part of, for what it causes.
function trace(request) {
  const { traceparent } = request.headers
  return traceparent ? { traceparent } : {}
}

async function create(request) {
  let text = ''
  for await (const part of request) text += part
  const { tea, grams } = JSON.parse(text)
  const found = await fetch(`${process.env.CATALOG_URL}/catalog/${encodeURIComponent(tea)}`, { headers: trace(request) })
  if (!found.ok) return [found.status, { error: `the catalog has no ${tea}` }]
  const cents = Math.ceil(((await found.json()).cents * grams) / 100)
  const { rows } = await db.query('INSERT INTO orders (tea, grams, cents) VALUES ($1, $2, $3) RETURNING id', [tea, grams, cents])
  const order = { id: Number(rows[0].id), tea, grams, cents, currency: process.env.CURRENCY }
  await redis.incr(`ordered:${tea}`)
  await producer.send({
    topic: 'orders', messages: [{ key: tea, value: JSON.stringify(order), headers: { ce_type: 'ORDER_PLACED', ...trace(request) } }],
  })
  return [201, order]
}

async function list() {
  const { rows } = await db.query('SELECT id, tea, grams, cents FROM orders ORDER BY id')
  const counts = {}
  for (const tea of new Set(rows.map((row) => row.tea))) counts[tea] = Number(await redis.get(`ordered:${tea}`))
  return [200, { terms, items: rows.map((row) => ({ ...row, id: Number(row.id) })), counts }]
}

async function answer(request) {
  const { pathname } = new URL(request.url, 'http://orders')
  if (pathname === '/orders/health') return [200, { rows: (await db.query('SELECT 1')).rowCount, cache: await redis.ping() }]
  if (pathname !== '/orders') return [404, { error: 'not found' }]
  return request.method === 'POST' ? create(request) : list()
}

let closing = false

const server = http.createServer(async (request, response) => {
  let status, body
  try {
    ;[status, body] = await answer(request)
  } catch (error) {
    console.error(error)
    ;[status, body] = [500, { error: error.message }]
  }
  if (closing) response.setHeader('connection', 'close') // else busy connections keep it open for ever
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
})

// A container engine ends it so, and "node --watch" before it starts the changed program.
process.once('SIGTERM', () => {
  closing = true
  server.close(async () => {
    await Promise.allSettled([producer.disconnect(), db.end(), redis.quit()])
    process.exit(0)
  })
  server.closeIdleConnections()
})

producer.connect().then(() => server.listen(process.env.PORT, () => console.log(`orders listens on ${process.env.PORT}`)))
