// Stands in for contenders: node fake-peers.mjs JSON prints it; FAIL says why on stderr and fails.
const [, , what, ...text] = process.argv
if (what === 'FAIL') {
  console.error(`Traceback\n${text.join(' ')}`)
  process.exit(1)
}
console.log('noise before')
console.log(what)
