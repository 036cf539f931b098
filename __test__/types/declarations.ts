// What index.d.ts declares, held against what lib is: an error here is a promise that is not kept, or not made.

import type Declared from '../../index'
import type { QueryConfig } from '../../lib/api/driver'
import type { TransactionPromise } from '../../lib/api/transaction'
import type { DriverOptions, HAOptions } from '../../lib/config/options'
import type { TransactionConfig } from '../../lib/config/query'
import type { HASessionConfig, SessionConfig } from '../../lib/config/session-config'
import type Lib from '../../lib/index'

type neo4j = typeof Declared.driver

/** Compiles where all that `is` is may be had for `as`. */
declare function held<As>(is: As): void
declare const of: <T>() => T

// ---- what is there is what is declared ----

// A namespace and a class that name themselves, which no type says twice.
held<Omit<typeof Declared, 'prototype' | 'default' | 'Neo4jHA' | 'driver'>>(of<typeof Lib>())
held<Declared>(of<Lib>())
held<Omit<neo4j, 'default' | 'v1' | 'auth' | 'types' | 'resultTransformers' | keyof Made>>(
  of<typeof Lib.driver>()
)
// Of none() core's own type says that it is no token, though it is taken as one.
held<Omit<neo4j['auth'], 'none'>>(of<typeof Lib.driver.auth>())
held<Omit<neo4j['types'], keyof Made>>(of<typeof Lib.driver.types>())
// Core's own, which make of our results what we declare, and whose types know of core's alone.
held<{ [name in keyof neo4j['resultTransformers']]: unknown }>(of<typeof Lib.driver.resultTransformers>())
held<Declared.driver.TransactionPromise>(of<TransactionPromise>())

// Classes that are made by the driver alone: their instances.
interface Made {
  Driver: Declared.driver.Driver
  Session: Declared.driver.Session
  Transaction: Declared.driver.Transaction
  ManagedTransaction: Declared.driver.ManagedTransaction
  Result: Declared.driver.Result
  RxSession: Declared.driver.RxSession
  RxTransaction: Declared.driver.RxTransaction
  RxManagedTransaction: Declared.driver.RxManagedTransaction
  RxResult: Declared.driver.RxResult
}
type Instance<Name extends keyof Made> = (typeof Lib.driver)[Name]['prototype']
held<Made>(of<{ [Name in keyof Made]: Instance<Name> }>())

// ---- what is declared to be taken is taken ----

held<ConstructorParameters<typeof Lib>>(of<ConstructorParameters<typeof Declared>>())
held<DriverOptions>(of<Declared.driver.Config>())
held<HAOptions>(of<Declared.Options>())
held<SessionConfig>(of<Declared.driver.SessionConfig>())
held<HASessionConfig>(of<Declared.SessionConfig>())
held<TransactionConfig>(of<Declared.driver.TransactionConfig>())
held<Omit<QueryConfig<number>, 'resultTransformer'>>(of<Declared.driver.QueryConfig<number>>())

// ---- and no option is taken that is not declared ----

type Same<A, B> = [keyof A, keyof B] extends [keyof B, keyof A]
  ? true
  : [Exclude<keyof A, keyof B>, Exclude<keyof B, keyof A>]
held<true>(of<Same<DriverOptions, Declared.driver.Config>>())
held<true>(of<Same<HAOptions, Declared.Options>>())
held<true>(of<Same<SessionConfig, Declared.driver.SessionConfig>>())
held<true>(of<Same<HASessionConfig, Declared.SessionConfig>>())
held<true>(of<Same<TransactionConfig, Declared.driver.TransactionConfig>>())
held<true>(of<Same<QueryConfig<number>, Declared.driver.QueryConfig<number>>>())
