// Loads a small graph into an HA cluster and reads it back by each strategy, telling which server served.
const Neo4jHA = require('neo4j-ha-bolt-driver')

const { HAReadWrite, HAStrategies, ServerType } = Neo4jHA

const servers = [
  ['http://127.0.0.1:7474', 'bolt://127.0.0.1:7687'],
  ['http://127.0.0.1:7475', 'bolt://127.0.0.1:7688'],
  ['http://127.0.0.1:7476', 'bolt://127.0.0.1:7689']
]

const driver = new Neo4jHA(servers, {
  auth: { user: 'neo4j', pass: 'password' },
  strategy: HAStrategies.roundRobin,
  rwConfig: HAReadWrite.masterReadWriteSlaveRead
})

async function main() {
  await driver.ready // every server has been checked once

  const writer = driver.session(true) // it may write: the master serves it
  await writer.run('UNWIND $names AS name MERGE (:Person {name: name})', {
    names: ['Ada', 'Grace', 'Edsger']
  })
  await writer.run('MATCH (a:Person {name: "Ada"}), (g:Person {name: "Grace"}) MERGE (a)-[:KNOWS]->(g)')
  await writer.close()
  await new Promise(resolve => setTimeout(resolve, 1000)) // slaves follow the master within a moment

  for (const [name, strategy] of Object.entries(HAStrategies)) {
    for (let i = 0; i < 6; i++) {
      const reader = driver.session(false, HAReadWrite.all, strategy) // it only reads: any server may serve it
      const { records, summary } = await reader.run('MATCH (p:Person) RETURN p.name AS name')
      const { location, info } = summary.servedBy
      const role = info.type === ServerType.master ? 'master' : 'slave'
      console.log(`${name}: ${records.length} people from the ${role} ${location.bolt}`)
      await reader.close()
    }
  }

  await driver.close()
}

main().catch(error => {
  console.error(error)
  process.exitCode = 1
})
