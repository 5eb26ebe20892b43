import type { LineFault } from '../../domain/imports/line.ts'
import { IMPORT_MESSAGE, importMessageBody } from '../../domain/imports/message.ts'
import {
  type Applied,
  type Import,
  type ImportState,
  type Imports,
  noLongerReceives,
  type ReapLimits,
} from '../../ports/imports.ts'
import { type Caller, patient } from '../../ports/store.ts'
import { readFault, unavailable, workFault, writeFault } from './faults.ts'
import { createSingles, type LaneOptions } from './lanes.ts'
import type { Row, Session } from './session.ts'
import { statement } from './statements.ts'
import { bigintArray, idArray, textArray } from './text-array.ts'

const begin = { name: 'import-begin', text: 'insert into imports (id) values ($1)' }
const stage = statement('import-stage')
const seal = statement('import-seal')
const end = statement('import-end')
const read = statement('import-read')
const next = statement('import-next')
const isUnfinished = {
  name: 'import-unfinished',
  text: `select from imports where id = $1 and state in ('queued', 'running')`,
}
const apply = statement('import-apply')

const UNFINISHED: readonly ImportState[] = ['receiving', 'queued', 'running']

export interface PostgresImports extends Imports {
  /** Statements that wait to be sent. */
  readonly waiting: number
}

/** What is called after each commit of its kind. */
export interface OnCommitted {
  /** There are changes of items. */
  readonly changes: () => void
  /** There is a message. */
  readonly message: () => void
}

/** One request, or a few that come right behind each other, in line as all others are. */
interface Statement {
  readonly run: (session: Session) => Promise<Row[]>
  readonly faultOf: (fault: unknown) => unknown
}

/** Imports in tables. */
export function createPostgresImports(lanes: LaneOptions, onCommitted: OnCommitted): PostgresImports {
  const statements = createSingles<Statement, Row[]>({
    ...lanes,
    send: (session, { run }) => run(session),
    faultOf: (fault, { faultOf }) => faultOf(fault),
  })
  /** Work has lanes of its own, so that there is always room for requests. */
  const chunks = createSingles<string, Applied>({ ...lanes, send: applyNext, faultOf: workFault })

  function writing(run: Statement['run'], caller: Caller): Promise<Row[]> {
    return statements.add({ run, faultOf: writeFault }, caller)
  }

  /** One chunk in one transaction: the import's row, the chunk's, the data's, in this order. */
  async function applyNext(session: Session, id: string): Promise<Applied> {
    await session.script('begin')
    try {
      const [row] = await session.query(next, [id])
      const [ended] = row === undefined ? [] : await session.query(apply, [id, ...row])
      await session.script('commit')
      if (row === undefined) return (await session.query(isUnfinished, [id])).length > 0 ? 'taken' : 'ended'
      onCommitted.changes()
      return ended?.[0] === 'running' ? 'more' : 'ended'
    } catch (fault) {
      if (session.isOpen) await session.script('rollback')
      throw fault
    }
  }

  return {
    async begin(id, caller) {
      await writing((session) => session.query(begin, [id]), caller)
    },

    async stage(id, { number, lines, superseded, rejected, faults }, caller) {
      const values = [
        id,
        number,
        idArray(lines.map((line) => line.id)),
        textArray(lines.map(({ value }) => value)),
        superseded,
        rejected,
        bigintArray(faults.map(({ line }) => line)),
        textArray(faults.map(({ code }) => code)),
        textArray(faults.map(({ detail }) => detail)),
      ]
      const rows = await writing((session) => session.query(stage, values), caller)
      if (rows.length === 0) throw noLongerReceives()
    },

    async seal(id, traceparent, caller) {
      const values = [id, IMPORT_MESSAGE, importMessageBody(id), traceparent ?? null]
      const rows = await writing((session) => session.query(seal, values), caller)
      if (rows.length === 0) throw noLongerReceives()
      onCommitted.message()
    },

    async fail(id, detail, caller) {
      await writing((session) => session.query(end, [id, 'failed', detail, '{receiving}']), caller)
    },

    async get(id, caller) {
      const run = (session: Session) => session.query(read, [id])
      const [row] = await statements.add({ run, faultOf: readFault }, caller)
      return row === undefined ? undefined : importOf(id, row)
    },

    async cancel(id, caller) {
      const [row] = await writing(async (session) => {
        await session.query(end, [id, 'canceled', null, `{${UNFINISHED.join(',')}}`])
        return session.query(read, [id])
      }, caller)
      return row === undefined ? undefined : importOf(id, row)
    },

    apply: (id) => chunks.add(id, patient),

    async reap(limits) {
      try {
        await lanes.pool.use((session) => session.script(reapSql(limits)))
        onCommitted.message()
      } catch (fault) {
        throw unavailable(fault)
      }
    },

    get waiting() {
      return statements.waiting
    },
  }
}

function reapSql({ receivingMs, untouchedMs, finishedMs }: ReapLimits): string {
  const ago = (ms: number) => `clock_timestamp() - interval '${Math.round(ms)} milliseconds'`
  return `
    with ended as (
      update imports set state = 'failed', detail = 'The body broke off.', finished_at = clock_timestamp()
      where state = 'receiving' and heard_at < ${ago(receivingMs)}
      returning id
    )
    delete from import_chunks using ended where import_id = ended.id;
    with untouched as (
      update imports set heard_at = clock_timestamp()
      where state in ('queued', 'running') and heard_at < ${ago(untouchedMs)}
      returning id
    )
    insert into messages (type, body)
    select '${IMPORT_MESSAGE}', json_build_object('id', id)::text from untouched;
    delete from imports where finished_at < ${ago(finishedMs)}`
}

function importOf(id: string, row: Row): Import {
  const [
    state,
    detail,
    total,
    applied,
    rejected,
    superseded,
    createdAtMs,
    updatedAtMs,
    finishedAtMs,
    errors,
  ] = row as [
    ImportState,
    string | null,
    number,
    number,
    number,
    number,
    number,
    number,
    number | null,
    string,
  ]
  return {
    id,
    state,
    detail: detail ?? undefined,
    lines: { total, applied, rejected, superseded },
    errors: JSON.parse(errors) as LineFault[],
    createdAtMs,
    updatedAtMs,
    finishedAtMs: finishedAtMs ?? undefined,
  }
}
