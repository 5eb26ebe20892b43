import { faultLines, latencyCells, table, whole } from '../text.ts'
import type { Many } from './many-imports.ts'
import type { Outage } from './outages.ts'
import type { QueueMeasured } from './queue.ts'

const OUTAGE_HEADER = ['queue', 'PUT ms', '', '', 'of up', 'POST /imports ms', '', '', 'of up', 'all done']
const OUTAGE_NAMES = ['', 'p50', 'p99', 'max', 'p99', 'p50', 'p99', 'max', 'p99', 'after s']
const MANY_HEADER = ['', 'posted/s', 'imports/s', 'messages/s']

export function queueText(measured: QueueMeasured): string {
  const { putRate, postRate, seconds, outages, imports, many, faults } = measured
  return (
    `${whole(putRate)} PUTs/s and ${whole(postRate)} imports/s of one line in an open loop for ${seconds} s, then the queue ` +
    `comes back; nothing is pinned to a processor\n` +
    `${table([OUTAGE_HEADER, OUTAGE_NAMES, ...outages.map(outageRow)])}\n` +
    `${whole(imports)} imports of one line, from the first request to the end of the last import\n` +
    `${table([MANY_HEADER, ...many.map(manyRow)])}${faultLines(faults)}`
  )
}

function outageRow({ state, median, putRatio, postRatio }: Outage): string[] {
  return [
    state,
    ...latencyCells(median.put),
    putRatio.toFixed(2),
    ...latencyCells(median.post),
    postRatio.toFixed(2),
    median.caughtUpSeconds.toFixed(2),
  ]
}

function manyRow({ system, median }: Many): string[] {
  const { postedPerSecond, importsPerSecond, messagesPerSecond } = median
  return [system, whole(postedPerSecond), whole(importsPerSecond), whole(messagesPerSecond)]
}
