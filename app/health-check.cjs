// The image's HEALTHCHECK: exit code 0 when the process is alive. It asks for liveness and not for readiness, for
// whoever finds a container unhealthy replaces it, which mends no database. CommonJS and a bare socket, because a quarter
// of a processor runs this every 10 s beside the service.
const { connect } = require('node:net')

const TIMEOUT_MS = 4000

const port = Number(process.env.PORT || 8000)
const socket = connect({ port, host: '127.0.0.1' })
socket.setTimeout(TIMEOUT_MS, () => process.exit(1))
socket.on('error', () => process.exit(1))
socket.on('data', (head) => process.exit(/^HTTP\/1\.1 200 /.test(head.toString('latin1')) ? 0 : 1))
socket.on('end', () => process.exit(1))
socket.write('GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
