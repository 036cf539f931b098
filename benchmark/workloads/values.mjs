// How the program reads a record of each result: every value that is in it, unless a workload is about less.

export function readRow(record, checksum) {
  const name = record.get('name')
  checksum.rows++
  checksum.sum +=
    record.get('id').toNumber() + name.length + name.charCodeAt(name.length - 1) + record.get('score')
}

/** The same of a driver that gives numbers for integers. */
export function readRowOfNumbers(record, checksum) {
  const name = record.get('name')
  checksum.rows++
  checksum.sum += record.get('id') + name.length + name.charCodeAt(name.length - 1) + record.get('score')
}

export function readId(record, checksum) {
  checksum.rows++
  checksum.sum += record.get('id').toNumber()
}

export function readNode(record, checksum) {
  const { identity, elementId, labels, properties } = record.get('n')
  const { name, age, score, active, city } = properties
  checksum.rows++
  checksum.sum +=
    identity.toNumber() +
    elementId.length +
    labels[0].length +
    name.length +
    age.toNumber() +
    score +
    city.length
  if (active) checksum.sum++
}

export function readIntegers(record, checksum) {
  checksum.rows++
  for (const item of record.get('l')) checksum.sum += item.toNumber()
}

export function readNumbers(record, checksum) {
  checksum.rows++
  for (const item of record.get('l')) checksum.sum += item
}

export function readMap(record, checksum) {
  const { id, name, address, account } = record.get('m')
  const { street, city, zip, at } = address
  checksum.rows++
  checksum.sum += id.toNumber() + name.length + street.length + city.length + zip.toNumber() + at.x + at.y
  checksum.sum += account.visits.toNumber()
  if (account.active) checksum.sum++
}

export function readPath(record, checksum) {
  const { segments, start, end } = record.get('p')
  checksum.rows++
  checksum.sum += start.identity.toNumber() + end.identity.toNumber()
  for (const { start: from, relationship, end: to } of segments) {
    checksum.sum += from.properties.name.length + to.properties.name.length + to.labels[0].length
    checksum.sum += relationship.properties.length.toNumber() + relationship.type.length
  }
}

export function readTemporal(record, checksum) {
  const [day, at, local, moment, span] = ['day', 'at', 'local', 'moment', 'span'].map(key => record.get(key))
  checksum.rows++
  checksum.sum +=
    day.year.toNumber() +
    day.month.toNumber() +
    day.day.toNumber() +
    at.hour.toNumber() +
    at.second.toNumber() +
    at.timeZoneOffsetSeconds.toNumber() +
    local.day.toNumber() +
    local.minute.toNumber() +
    moment.year.toNumber() +
    moment.hour.toNumber() +
    moment.nanosecond.toNumber() +
    span.months.toNumber() +
    span.days.toNumber() +
    span.seconds.toNumber()
}

export function readText(record, checksum) {
  const text = record.get('text')
  checksum.rows++
  checksum.sum += text.length + text.charCodeAt(text.length - 1)
}

export function readBytes(record, checksum) {
  const bytes = record.get('bytes')
  checksum.rows++
  checksum.sum += bytes.length + bytes[bytes.length - 1] + bytes[bytes.length - 2]
}
