// Proxies that delay what servers send, in a process of their own, started by `fork` with JSON: `[{port, delay}]`, a server's port and
// how many ms its answers are on their way. It tells the proxies' ports.

import { HoldingProxy } from '../failover/proxy.mjs'

const listen = ({ port, delay }) => {
  const proxy = new HoldingProxy()
  proxy.target = port
  proxy.delay = delay
  return proxy.listen()
}

process.on('disconnect', () => process.exit())
process.send({ ports: await Promise.all(JSON.parse(process.argv[2]).map(listen)) })
