// @langchain/neo4j: the vector store with both its searches, the history of a chat, queries of the graph.
import { Document } from '@langchain/core/documents'
import { AIMessage, HumanMessage } from '@langchain/core/messages'
import { FakeEmbeddings } from '@langchain/core/utils/testing'
import { Neo4jChatMessageHistory, Neo4jGraph, Neo4jVectorStore } from '@langchain/neo4j'
import { login, print } from './program.cjs'

/** Directions, so that what is alike is close. */
class Letters extends FakeEmbeddings {
  vector = text => [...'abcde'].map(letter => text.split(letter).length - 1 + 0.1)
  embedDocuments = async texts => texts.map(this.vector)
  embedQuery = async text => this.vector(text)
}

const { uri: url, username, password } = login
const config = {
  url,
  username,
  password,
  indexName: 'letters',
  keywordIndexName: 'words',
  nodeLabel: 'Chunk'
}
const documents = [
  new Document({ pageContent: 'aaa', metadata: { page: 1, tags: ['x', 'y'] } }),
  new Document({ pageContent: 'bbb', metadata: { page: 2 } }),
  new Document({ pageContent: 'ccc ddd', metadata: { page: 3, half: 0.5 } })
]

await print('a vector store of documents', async () => {
  const store = await Neo4jVectorStore.fromDocuments(documents, new Letters(), {
    ...config,
    searchType: 'hybrid'
  })
  await store.query('CALL db.awaitIndexes()')
  const similar = await store.similaritySearchWithScore('aa', 2)
  const hybrid = await store.similaritySearch('ccc', 1)
  await store.close()
  return [similar, hybrid]
})
await print('a vector store that is there', async () => {
  const store = await Neo4jVectorStore.fromExistingIndex(new Letters(), config)
  const found = await store.similaritySearch('bb', 1, { filter: { page: { $gt: 1 } } })
  const dimensions = store.embeddingDimension
  await store.close()
  return [found, dimensions]
})
await print('a vector store of a graph', async () => {
  const graph = new Neo4jGraph({ url, username, password })
  await graph.query('UNWIND ["abba", "ede"] AS name CREATE (:Person {name: name})')
  await graph.close()
  const store = await Neo4jVectorStore.fromExistingGraph(new Letters(), {
    ...config,
    indexName: 'people',
    nodeLabel: 'Person',
    textNodeProperties: ['name'],
    embeddingNodeProperty: 'embedding'
  })
  const rows = await store.query(
    'MATCH (p:Person) RETURN p.name AS name, size(p.embedding) AS size ORDER BY name'
  )
  await store.close()
  return rows
})
await print('an index of other dimensions', async () => {
  const more = new (class extends Letters {
    vector = () => Array(7).fill(1)
  })()
  return Neo4jVectorStore.fromExistingIndex(more, config)
})
await print('a chat', async () => {
  const history = await Neo4jChatMessageHistory.initialize({ url, username, password, sessionId: 'one' })
  await history.addMessage(new HumanMessage('Who are you?'))
  await history.addMessage(new AIMessage('A program.'))
  const messages = (await history.getMessages()).map(message => [message.getType(), message.content])
  await history.clear()
  const left = await history.getMessages()
  await history.close()
  return [messages, left]
})
await print('a graph', async () => {
  // its initialize() needs APOC, for the schema
  const graph = new Neo4jGraph({ url, username, password, database: 'neo4j' })
  await graph.verifyConnectivity()
  const rows = await graph.query(
    'UNWIND [1, 2.5, "three", null, 9007199254740993] AS x RETURN x, [x] AS list',
    {}
  )
  const failure = await graph.query('RETRUN 1').catch(({ code, message }) => ({ code, message }))
  await graph.close()
  return [rows, failure]
})
await print('a graph whose server lacks APOC', () => Neo4jGraph.initialize({ url, username, password }))
await print('a wrong password', () =>
  Neo4jChatMessageHistory.initialize({ url, username, password: 'wrong', sessionId: 'one' })
)
process.exit() // drivers of what failed are its own, and stay open
