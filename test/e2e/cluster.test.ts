import { afterAll, beforeAll } from 'vitest'
import { create } from './create.js'
import { data } from './data.js'
import { databases } from './databases.js'
import { drift } from './drift.js'
import { type Lab, nodes, openLab } from './lab.js'
import { law } from './law.js'
import { loss } from './loss.js'
import { move } from './move.js'

// One cluster for all of it, in this order: what comes last leaves a node behind that had to come back.
let opened: Lab
const lab = () => opened
beforeAll(async () => {
  opened = await openLab(nodes)
})
afterAll(async () => {
  await opened?.close()
})

create(lab)
law(lab)
drift(lab)
data(lab)
databases(lab)
move(lab)
loss(lab)
