import { nodes, openLab } from './lab.js'
import { killWhileWriting, type Round, settled } from './rounds.js'

/** `npm run failover -- 10`: a cluster of its own, and as many rounds of killing the node that has the database. */
const rounds = Number(process.argv[2] ?? 10)
const lab = await openLab(nodes)
const done: Round[] = []
try {
  console.log('building a cluster')
  const created = await lab.ha(['create'])
  if (created.code !== 0) throw new Error(created.stderr + created.stdout)
  for (let round = 1; round <= rounds; round++) {
    await settled(lab)
    const result = await killWhileWriting(lab, round)
    done.push(result)
    console.log(JSON.stringify(result))
    const started = await lab.ha(['vm', 'start', result.killed])
    if (started.code !== 0) throw new Error(started.stderr)
  }
} finally {
  await lab.close()
  console.table(done)
}
const sum = (of: (round: Round) => number) => done.reduce((total, round) => total + of(round), 0)
const stopped = done.map(({ stoppedS }) => stoppedS).toSorted((one, other) => one - other)
console.log(
  `${done.length} rounds, ${sum(({ acknowledged }) => acknowledged)} rows acknowledged, ${sum(({ lost }) => lost)} lost; writes stopped for ${stopped[0]} to ${stopped.at(-1)} s`,
)
process.exitCode = done.length === rounds && sum(({ lost }) => lost) === 0 ? 0 : 1
