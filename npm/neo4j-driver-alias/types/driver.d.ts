import neo4j = require('./index')

export type AuthToken = neo4j.AuthToken
export type Config = neo4j.Config
export type EncapsulatedKeyRecordRepository = neo4j.EncapsulatedKeyRecordRepository
export type EncryptionLevel = neo4j.EncryptionLevel
export type SessionMode = neo4j.SessionMode
export type TrustStrategy = neo4j.TrustStrategy
export declare const READ: SessionMode
export declare const WRITE: SessionMode
export import Driver = neo4j.Driver
export default Driver
