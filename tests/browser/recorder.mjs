// An endpoint that keeps what the browser really posted, byte for byte, and answers as it is told.

import { createServer } from 'node:http'
import { EventEmitter, once } from 'node:events'
import { listen } from './ports.mjs'

const CORS = { 'access-control-allow-origin': '*', 'access-control-expose-headers': 'Retry-After' }

/**
 * Starts a recorder. `answers` is a queue of `{status, headers, body}`; when it is empty the answer is 202. `observe` plays
 * `/v1/observe`: it holds what is answered, or null for 403, and the queries with which it was asked.
 */
export const record = async () => {
  const requests = []
  const answers = []
  const arrivals = new EventEmitter()
  const observe = { answer: null, asked: [] }

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://recorder')
    if (pathname === '/v1/observe') {
      observe.asked.push(Object.fromEntries(searchParams))
      response.writeHead(observe.answer ? 200 : 403, { ...CORS, 'content-type': 'application/json' })
      return response.end(JSON.stringify(observe.answer ?? { status: 403, title: 'not observed' }))
    }
    let body = ''
    for await (const chunk of request) body += chunk
    const { status = 202, headers = {}, body: answer = { accepted: 1, rejected: [], warnings: [] } } = answers.shift() ?? {}
    requests.push({ method: request.method, headers: request.headers, body, status })
    response.writeHead(status, { ...CORS, 'content-type': 'application/json', ...headers }).end(JSON.stringify(answer))
    arrivals.emit('request')
  })
  const origin = await listen(server)

  /** Every event posted so far, in order of arrival. One whose post was cut off by a reload comes again under its id. */
  const events = () => [...new Map(requests.flatMap(({ body }) => JSON.parse(body).events).map((event) => [event.id, event])).values()]

  return {
    endpoint: `${origin}/v1/events`,
    requests,
    answers,
    observe,
    events,
    /** Waits until `enough()` holds; the test's own time limit ends a wait in vain. */
    async until(enough) {
      while (!enough()) await once(arrivals, 'request')
    },
    clear() {
      requests.splice(0)
      answers.splice(0)
      Object.assign(observe, { answer: null, asked: [] })
    },
    close: () => server.close(),
  }
}
