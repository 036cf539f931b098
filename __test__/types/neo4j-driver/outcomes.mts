// Summaries and errors.
import neo4j, {
  type GqlStatusObject,
  Neo4jError,
  type Notification,
  type NotificationPosition,
  type Plan,
  type ProfiledPlan,
  type QueryStatistics,
  type ResultSummary,
  type ServerInfo
} from 'neo4j-driver'

const driver = neo4j.driver('neo4j://localhost')
const session = driver.session()

const walk = (plan: Plan | ProfiledPlan): string[] => [
  plan.operatorType,
  ...plan.children.flatMap(child => walk(child))
]

function report(summary: ResultSummary): void {
  const counters: QueryStatistics = summary.counters
  const server: ServerInfo = summary.server
  console.log(summary.query.text, summary.query.parameters, summary.queryType, summary.database.name)
  console.log(counters.containsUpdates(), counters.systemUpdates(), counters.updates().labelsAdded)
  console.log(server.address, server.protocolVersion?.toString(), server.agent)
  if (summary.hasPlan() && summary.plan !== false) console.log(walk(summary.plan))
  if (summary.hasProfile() && summary.profile !== false)
    console.log(summary.profile.dbHits, walk(summary.profile))
  const notifications: Notification[] = summary.notifications
  for (const { code, title, severityLevel, category, position } of notifications) {
    const place: NotificationPosition | undefined = position
    console.log(code, title, severityLevel, category, place?.line)
  }
  const statuses: GqlStatusObject[] = summary.gqlStatusObjects
  for (const { gqlStatus, statusDescription, classification, diagnosticRecord, isNotification } of statuses) {
    console.log(gqlStatus, statusDescription, classification, diagnosticRecord, isNotification)
  }
}

try {
  report((await session.run('PROFILE MATCH (n) RETURN n')).summary)
} catch (error) {
  if (error instanceof Neo4jError) {
    const { code, message, gqlStatus, gqlStatusDescription, diagnosticRecord, classification, retryable } =
      error
    console.error(
      code,
      message,
      gqlStatus,
      gqlStatusDescription,
      diagnosticRecord,
      classification,
      retryable,
      error.cause
    )
    if (code === neo4j.error.SERVICE_UNAVAILABLE || code === neo4j.error.SESSION_EXPIRED)
      console.error('later')
  }
  if (neo4j.isRetryableError(error) || neo4j.isRetriableError(error)) console.error('again')
}
