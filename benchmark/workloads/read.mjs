// How the rows of a result reach the program: all at once, pushed, or pulled. And the sum that shows what came.

/** Adds up what was read, so that two peers can be seen to have read the same. */
export class Checksum {
  rows = 0
  sum = 0

  toString() {
    return `${this.rows} rows, ${this.sum}`
  }
}

async function inSession(driver, use) {
  const session = driver.session()
  try {
    return await use(session)
  } finally {
    await session.close()
  }
}

/** Collects a result whole, then reads each record. */
export const collect = (driver, query, read) =>
  inSession(driver, async session => {
    const checksum = new Checksum()
    const { records } = await session.run(query)
    for (const record of records) read(record, checksum)
    return checksum
  })

/** Reads each record as it is pushed to an observer. */
export const subscribe = (driver, query, read) =>
  inSession(driver, async session => {
    const checksum = new Checksum()
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
    const checksum = new Checksum()
    for await (const record of session.run(query)) read(record, checksum)
    return checksum
  })
