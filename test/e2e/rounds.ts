import { type Lab, nodes, until } from './lab.js'

/** What came of one round of killing the node that has the database. */
export interface Round {
  readonly round: number
  readonly killed: string
  /** Seconds for which clients had been writing before. */
  readonly afterS: number
  readonly acknowledged: number
  /** Acknowledged rows that the database does not have afterwards. */
  readonly lost: number
  /** Longest time between two acknowledged rows, in seconds: how long clients were without their database. */
  readonly stoppedS: number
}

export const virtualIp = '10.77.0.100'
const client = '/opt/ibm/db2/V11.5/samples/client'

/** The node on which the database runs now. */
export async function activeNode(lab: Lab): Promise<string> {
  for (const node of nodes)
    if ((await lab.on(node, 'findmnt -n -o SOURCE /srv/db; true')) === '/dev/drbd0\n') return node
  throw new Error('no node has the database')
}

/** Both nodes up, in sync and in the cluster, the database answering: the beginning of a round. */
export async function settled(lab: Lab): Promise<void> {
  for (const node of nodes) {
    await until(`${node} in sync`, 300, async () =>
      (await lab.on(node, 'drbdadm dstate r0')) === 'UpToDate/UpToDate\n' ? true : undefined,
    )
    await until(`${node} sees both`, 300, async () =>
      (await lab.on(node, 'for n in db-a db-b; do cl_status nodestatus $n; done')) === 'active\nactive\n'
        ? true
        : undefined,
    )
  }
}

/**
 * Rows are inserted through the virtual address, each acknowledged commit noted on the survivor's own disk; then the node
 * that has the database is killed at a random moment. The killed machine is left off.
 */
export async function killWhileWriting(lab: Lab, round: number): Promise<Round> {
  const killed = await activeNode(lab)
  const survivor = nodes.find((node) => node !== killed) as string
  const log = `/root/acknowledged-${round}`
  const unit = `ha-client-${round}`
  const written = async () => Number(await lab.on(survivor, `wc -l <${log}`))
  await lab.on(
    survivor,
    `rm -f ${log}; systemd-run -q --unit=${unit} python3 ${client} insert --table ROUND${round} --log ${log} ${virtualIp} 50000 SHOP`,
  )
  await until('rows are acknowledged', 120, async () => ((await written()) > 10 ? true : undefined))
  const afterS = Math.round(Math.random() * 150) / 10
  await new Promise((resolve) => setTimeout(resolve, afterS * 1000))
  process.kill(await lab.pid(killed), 'SIGKILL')
  const before = await written()
  await until('takeover', 300, async () => ((await written()) > before + 5 ? true : undefined))
  await lab.on(survivor, `systemctl stop ${unit}`)
  const missing = await lab.on(
    survivor,
    `python3 ${client} missing --table ROUND${round} --log ${log} ${virtualIp} 50000 SHOP`,
  )
  const lines = (await lab.on(survivor, `cat ${log}`)).trim().split('\n')
  const times = lines.map((line) => Number(line.split(' ')[1]))
  const gaps = times.slice(1).map((time, i) => time - (times[i] as number))
  return {
    round,
    killed,
    afterS,
    acknowledged: lines.length,
    lost: missing.split('\n').filter((line) => line !== '').length,
    stoppedS: Math.round(Math.max(...gaps)),
  }
}
