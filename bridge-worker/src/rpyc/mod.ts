// A client for "classic" RPyC servers, versions 5.2 to 6.0, as they run beside an MT5 terminal. The room imports nothing
// of the project; from outside only this door is imported. Tests: beside each file, with bytes recorded from the real
// library in testdata/; real-server.test.ts runs against Python itself. The format is described in docs/rpyc.md.
export type { RpcValue } from "./boxing.ts";
export type { RpcConnection } from "./client.ts";
export { connectRpc, type RpcOptions } from "./connect.ts";
export type { RpcEndpoint, RpcTls } from "./endpoint.ts";
export { ConnectionLost, type LossKind, ProtocolViolation, RpcTimeout, type ViolationKind } from "./errors.ts";
export type { Dialect } from "./messages.ts";
export {
  type BrineValue,
  PyComplex,
  PyConstant,
  PyEllipsis,
  PyFloat,
  PyFrozenSet,
  PyNotImplemented,
  PySlice,
} from "./python-values.ts";
export { RemoteError } from "./remote-error.ts";
export { RemoteRef } from "./remote-ref.ts";
