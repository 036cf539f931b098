// How the rows of a result reach the program: all at once, pushed, or pulled. Each gives what was read: `{rows, sum}`.

export async function inSession(driver, use) {
  const session = driver.session()
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

/** Reads records that are there already. */
export function readAll(records, read) {
  const checksum = { rows: 0, sum: 0 }
  for (const record of records) read(record, checksum)
  return checksum
}

/** Collects a result whole, then reads each record. */
export const collect = (driver, query, read) =>
  inSession(driver, async session => readAll((await session.run(query)).records, read))

/** Reads each record as it is pushed to an observer. */
export const subscribe = (driver, query, read) =>
  inSession(driver, async session => {
    const checksum = { rows: 0, sum: 0 }
    await new Promise((resolve, reject) =>
      session.run(query).subscribe({
        onNext: record => read(record, checksum),
        onCompleted: resolve,
        onError: reject
      })
    )
    return checksum
  })

/** Reads each record in a `for await` loop. */
export const iterate = (driver, query, read) =>
  inSession(driver, async session => {
    const checksum = { rows: 0, sum: 0 }
    for await (const record of session.run(query)) read(record, checksum)
    return checksum
  })
