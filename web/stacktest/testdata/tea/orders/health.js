// Exits with 0 where the service answers.
fetch(`http://localhost:${process.env.PORT}/orders/health`).then(
  (answer) => process.exit(answer.ok ? 0 : 1),
  (error) => {
    console.error(error.cause?.message ?? error.message)
    process.exit(1)
  },
)
