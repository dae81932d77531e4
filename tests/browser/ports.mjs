// Free ports of 127.0.0.1. Needs no package, as `avow.mjs`: suites that have none of the browsers' packages start Avow too.

import { createServer } from 'node:http'

/** Listens on a free port of 127.0.0.1. @returns {Promise<string>} the origin */
export const listen = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)))

/** A port of 127.0.0.1 that is free now. */
export const freePort = async () => {
  const server = createServer()
  const { port } = new URL(await listen(server))
  await new Promise((closed) => server.close(closed))
  return port
}
