// Run by jest, with moduleNameMapper.

const { PROGRAM } = process.env

test(PROGRAM, () => require(PROGRAM))
