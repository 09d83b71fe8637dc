// Brings the database to the form that main.js expects.
const { Client } = require('pg')

async function main() {
  const db = new Client({ connectionString: process.env.DATABASE_URL })
  await db.connect()
  await db.query(`CREATE TABLE IF NOT EXISTS orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tea text NOT NULL, grams integer NOT NULL, cents integer NOT NULL)`)
  await db.end()
  console.log('the database is up to date')
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
