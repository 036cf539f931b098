// Every option.
import neo4j, {
  type Config,
  type EncryptionLevel,
  type NotificationCategory,
  type NotificationFilter,
  type NotificationSeverityLevel,
  type RoutingControl,
  type SessionMode,
  type TrustStrategy
} from 'neo4j-driver'

const level: EncryptionLevel = 'ENCRYPTION_OFF'
const trust: TrustStrategy = 'TRUST_CUSTOM_CA_SIGNED_CERTIFICATES'
const filter: NotificationFilter = {
  minimumSeverityLevel: neo4j.notificationFilterMinimumSeverityLevel.WARNING,
  disabledCategories: [
    neo4j.notificationFilterDisabledCategory.HINT,
    neo4j.notificationFilterDisabledCategory.GENERIC,
    'DEPRECATION'
  ]
}
const config: Config = {
  encrypted: level,
  trust,
  trustedCertificates: ['ca.pem'],
  fetchSize: 100,
  maxConnectionPoolSize: 10,
  maxTransactionRetryTime: 1000,
  maxConnectionLifetime: 1000,
  connectionAcquisitionTimeout: 1000,
  connectionLivenessCheckTimeout: 0,
  connectionTimeout: 1000,
  disableAutoCommitRetries: true,
  disableLosslessIntegers: false,
  useBigInt: false,
  notificationFilter: filter,
  logging: neo4j.logging.console('debug'),
  resolver: async address => [address, 'other:7687'],
  userAgent: 'me/1.0',
  telemetryDisabled: true
}
const logged: Config = {
  logging: { level: 'info', logger: (severity, message) => console.log(severity, message) },
  resolver: address => [address]
}
console.log(logged)
const driver = neo4j.driver('neo4j://localhost?region=eu', undefined, config)
const mode: SessionMode = neo4j.session.READ
const control: RoutingControl = neo4j.routing.READ
const session = driver.session({
  defaultAccessMode: mode,
  bookmarks: 'FB:1',
  database: 'neo4j',
  impersonatedUser: 'bob',
  fetchSize: -1,
  notificationFilter: {
    disabledClassifications: [neo4j.notificationFilterDisabledClassification.PERFORMANCE]
  },
  disableAutoCommitRetries: true
})
const category: NotificationCategory = neo4j.notificationCategory.DEPRECATION
const severity: NotificationSeverityLevel = neo4j.notificationSeverityLevel.WARNING
console.log(control, category, severity, neo4j.notificationClassification.HINT)
await session.close()
