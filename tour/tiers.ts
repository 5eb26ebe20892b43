/** What each tier is, as in the README; names of variables are in backticks. */
export const tiers = [
  {
    tier: 1,
    name: 'baseline',
    adds: 'nothing',
    gains: 'one API process, data in memory, health, configuration',
    lacks: 'a restart loses the data; one process only',
  },
  {
    tier: 2,
    name: 'stateful',
    adds: '`DATABASE_URL`',
    gains:
      'PostgreSQL: data outlives the process, several processes, start-up in any order, imports that resume',
    lacks: 'every read costs the database; imports compete with requests',
  },
  {
    tier: 4,
    name: 'cloud-ready',
    adds: '`REDIS_URL`, `QUEUE_URL`',
    gains: 'a cache: hot reads cost the database nothing; imports move to workers through SQS',
    lacks: '',
  },
] as const
