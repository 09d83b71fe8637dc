// Says where it was sent to find the others.
const http = require('node:http')
const { PORT, DATABASE_URL, KAFKA_BROKER, REDIS_URL } = process.env
http.createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ database: DATABASE_URL, kafka: KAFKA_BROKER, redis: REDIS_URL }))
}).listen(PORT, '127.0.0.1')
