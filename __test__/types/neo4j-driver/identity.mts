// Tokens, managers of tokens, and client certificates.
import type {
  AuthToken,
  AuthTokenAndExpiration,
  AuthTokenManager,
  ClientCertificate,
  ClientCertificateProvider,
  Config
} from 'neo4j-driver'
import neo4j from 'neo4j-driver'

const tokens: AuthToken[] = [
  neo4j.auth.basic('neo4j', 'password'),
  neo4j.auth.basic('neo4j', 'password', 'realm'),
  neo4j.auth.bearer('token'),
  neo4j.auth.kerberos('ticket'),
  neo4j.auth.custom('principal', 'credentials', 'realm', 'scheme', { any: 'thing' }),
  { scheme: 'basic', principal: 'neo4j', credentials: 'password' }
]

class Vault implements AuthTokenManager {
  #token: AuthToken = tokens[0]

  async getToken(): Promise<AuthToken> {
    return this.#token
  }

  handleSecurityException(token: AuthToken, code: `Neo.ClientError.Security.${string}`): boolean {
    console.log(token.scheme, code)
    this.#token = tokens[1]
    return true
  }
}

const expiring = neo4j.authTokenManagers.bearer({
  tokenProvider: async (): Promise<AuthTokenAndExpiration> => ({
    token: neo4j.auth.bearer('token'),
    expiration: new Date()
  })
})
const rotating = neo4j.authTokenManagers.basic({
  tokenProvider: async () => neo4j.auth.basic('neo4j', 'next')
})
for (const token of [...tokens, new Vault(), expiring, rotating])
  await neo4j.driver('neo4j://localhost', token).close()

class Certificates implements ClientCertificateProvider {
  hasUpdate(): boolean {
    return false
  }

  async getClientCertificate(): Promise<ClientCertificate> {
    return { certfile: 'client.pem', keyfile: ['key.pem'], password: 'secret' }
  }
}
const provider = neo4j.clientCertificateProviders.rotating({
  initialCertificate: { certfile: ['client.pem'], keyfile: { path: 'key.pem', password: 'secret' } }
})
provider.updateCertificate({ certfile: 'next.pem', keyfile: 'next-key.pem' })
const configs: Config[] = [
  { encrypted: true, clientCertificate: provider },
  { encrypted: 'ENCRYPTION_ON', clientCertificate: new Certificates() },
  { encrypted: 'ENCRYPTION_ON', clientCertificate: { certfile: 'client.pem', keyfile: 'key.pem' } }
]
for (const config of configs) {
  const driver = neo4j.driver('bolt://localhost', tokens[0], config)
  const session = driver.session({ auth: neo4j.auth.basic('other', 'password'), impersonatedUser: 'bob' })
  await session.close()
  await driver.close()
}
