import type { Act } from '../act.ts'
import { baseline } from './baseline.ts'
import { cacheDies } from './cache-dies.ts'
import { cloud } from './cloud.ts'
import { deploy } from './deploy.ts'
import { limits } from './limits.ts'
import { persistence } from './persistence.ts'
import { workerDies } from './worker-dies.ts'

/** In the order of the story. */
export const acts: readonly Act[] = [baseline, persistence, limits, cloud, cacheDies, workerDies, deploy]
