// Complete frames, recorded from the real library, RPyC 5.2.3–6.0.2, with fixed example ids. `body` is what the library
// itself decodes from the payload: the third item (v5) or the second (v6) of the message's tuple.
import type { Dialect } from "../messages.ts";
import type { BrineValue } from "../python-values.ts";

export type FrameVector = {
  name: string;
  dialect: Dialect;
  hex: string;
  /** 1 request, 2 reply, 3 exception. */
  type: number;
  seq: number;
  body: BrineValue;
};

/** Id-packs: (name, class id, instance id). */
export const ROOT = ["rpyc.core.service.SlaveService", 94000000000000, 140000000000000] as const;
export const F = ["builtins.function", 94000000000001, 140000000000001] as const;

export const frameVectors: readonly FrameVector[] = [
  {
    name: "GETROOT request, seq 0",
    dialect: "v5",
    hex: "000000080012515011531151020a",
    type: 1,
    seq: 0,
    body: [3, [1, []]],
  },
  {
    name: "GETROOT reply (ROOT)",
    dialect: "v5",
    hex: "0000004800125250115412080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030300a",
    type: 2,
    seq: 0,
    body: [4, ROOT],
  },
  {
    name: 'execute("x=1") via CALLATTR, seq 1',
    dialect: "v5",
    hex: "00000064001251511158115213115312080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030301151080e0765786563757465115110080c783d311151020a",
    type: 1,
    seq: 1,
    body: [
      8,
      [
        2,
        [
          [3, ROOT],
          [1, "execute"],
          [1, ["x=1"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: "execute reply None, seq 1",
    dialect: "v5",
    hex: "00000006001252511151000a",
    type: 2,
    seq: 1,
    body: [1, null],
  },
  {
    name: 'eval("f") via CALLATTR, seq 2',
    dialect: "v5",
    hex: "0000005e001251521158115213115312080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030301151080d6576616c115110080a661151020a",
    type: 1,
    seq: 2,
    body: [
      8,
      [
        2,
        [
          [3, ROOT],
          [1, "eval"],
          [1, ["f"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: "reply reference F",
    dialect: "v5",
    hex: "0000003b00125252115412080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030310a",
    type: 2,
    seq: 2,
    body: [4, F],
  },
  {
    name: 'f("{}") via CALL, seq 3',
    dialect: "v5",
    hex: "0000004a001251531157115212115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f313430303030303030303030303031115110080b7b7d1151020a",
    type: 1,
    seq: 3,
    body: [
      7,
      [
        2,
        [
          [3, F],
          [1, ["{}"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: 'reply "[]"',
    dialect: "v5",
    hex: "00000009001252531151080b5b5d0a",
    type: 2,
    seq: 3,
    body: [1, "[]"],
  },
  {
    name: "f(1, b=9) via CALL, seq 160",
    dialect: "v5",
    hex: "0000005000125116033136301157115212115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030311151105111511011080a62590a",
    type: 1,
    seq: 160,
    body: [
      7,
      [
        2,
        [
          [3, F],
          [1, [1]],
          [1, [["b", 9]]],
        ],
      ],
    ],
  },
  {
    name: 'PING "abc", seq 4',
    dialect: "v5",
    hex: "0000000d001251541151115110080c6162630a",
    type: 1,
    seq: 4,
    body: [1, [1, ["abc"]]],
  },
  {
    name: "PING reply",
    dialect: "v5",
    hex: "0000000a001252541151080c6162630a",
    type: 2,
    seq: 4,
    body: [1, "abc"],
  },
  {
    name: "DEL F count 1, seq 5",
    dialect: "v5",
    hex: "0000004300125155115f115211115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030311151510a",
    type: 1,
    seq: 5,
    body: [
      15,
      [
        2,
        [
          [3, F],
          [1, 1],
        ],
      ],
    ],
  },
  {
    name: "DEL reply None, seq 5",
    dialect: "v5",
    hex: "00000006001252551151000a",
    type: 2,
    seq: 5,
    body: [1, null],
  },
  {
    name: "EXCEPTION KeyError(99), seq 6",
    dialect: "v5",
    hex: "0000003e001253561311080e086275696c74696e73080e084b65794572726f7210b31011080e0f5f72656d6f74655f76657273696f6e080e05352e332e31080c74620a0a",
    type: 3,
    seq: 6,
    body: [["builtins", "KeyError"], [99], [["_remote_version", "5.3.1"]], "tb\n"],
  },
  {
    name: "EXCEPTION StopIteration, seq 7",
    dialect: "v5",
    hex: "0000000400125357510a",
    type: 3,
    seq: 7,
    body: 1,
  },
  {
    name: "reply (1, <list>, (3, <dict>)), seq 8",
    dialect: "v5",
    hex: "0000004d00125258115212115151115412080e0d6275696c74696e732e6c697374160431303030160432303030115211115153115412080e0d6275696c74696e732e646963741604313030311604323030310a",
    type: 2,
    seq: 8,
    body: [
      2,
      [
        [1, 1],
        [4, ["builtins.list", 1000, 2000]],
        [
          2,
          [
            [1, 3],
            [4, ["builtins.dict", 1001, 2001]],
          ],
        ],
      ],
    ],
  },
  {
    name: "CLOSE request, seq 9",
    dialect: "v5",
    hex: "000000080012515911521151020a",
    type: 1,
    seq: 9,
    body: [2, [1, []]],
  },
  {
    name: "CLOSE request of the server, seq 0",
    dialect: "v5",
    hex: "000000080012515011521151020a",
    type: 1,
    seq: 0,
    body: [2, [1, []]],
  },
  {
    name: 'compressed reply "z" * 4000, seq 10',
    dialect: "v5",
    hex: "00000038017801edd0310d00200c00b09d7ccb700627525033a9c8e0692574ee536b6444f6c5800103060c183060c0800103060c18f83ef0007c6674900a",
    type: 2,
    seq: 10,
    body: [1, "z".repeat(4000)],
  },
  {
    name: "GETROOT request, seq 0",
    dialect: "v6",
    hex: "000000080001115011531151020a",
    type: 1,
    seq: 0,
    body: [3, [1, []]],
  },
  {
    name: "GETROOT reply (ROOT)",
    dialect: "v6",
    hex: "0000004800021150115412080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030300a",
    type: 2,
    seq: 0,
    body: [4, ROOT],
  },
  {
    name: 'execute("x=1") via CALLATTR, seq 1',
    dialect: "v6",
    hex: "00000064000111511158115213115312080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030301151080e0765786563757465115110080c783d311151020a",
    type: 1,
    seq: 1,
    body: [
      8,
      [
        2,
        [
          [3, ROOT],
          [1, "execute"],
          [1, ["x=1"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: "execute reply None, seq 1",
    dialect: "v6",
    hex: "00000006000211511151000a",
    type: 2,
    seq: 1,
    body: [1, null],
  },
  {
    name: 'eval("f") via CALLATTR, seq 2',
    dialect: "v6",
    hex: "0000005e000111521158115213115312080e1e727079632e636f72652e736572766963652e536c61766553657276696365160e3934303030303030303030303030160f3134303030303030303030303030301151080d6576616c115110080a661151020a",
    type: 1,
    seq: 2,
    body: [
      8,
      [
        2,
        [
          [3, ROOT],
          [1, "eval"],
          [1, ["f"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: "reply reference F",
    dialect: "v6",
    hex: "0000003b00021152115412080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030310a",
    type: 2,
    seq: 2,
    body: [4, F],
  },
  {
    name: 'f("{}") via CALL, seq 3',
    dialect: "v6",
    hex: "0000004a000111531157115212115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f313430303030303030303030303031115110080b7b7d1151020a",
    type: 1,
    seq: 3,
    body: [
      7,
      [
        2,
        [
          [3, F],
          [1, ["{}"]],
          [1, []],
        ],
      ],
    ],
  },
  {
    name: 'reply "[]"',
    dialect: "v6",
    hex: "00000009000211531151080b5b5d0a",
    type: 2,
    seq: 3,
    body: [1, "[]"],
  },
  {
    name: "f(1, b=9) via CALL, seq 160",
    dialect: "v6",
    hex: "0000005000011116033136301157115212115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030311151105111511011080a62590a",
    type: 1,
    seq: 160,
    body: [
      7,
      [
        2,
        [
          [3, F],
          [1, [1]],
          [1, [["b", 9]]],
        ],
      ],
    ],
  },
  {
    name: 'PING "abc", seq 4',
    dialect: "v6",
    hex: "0000000d000111541151115110080c6162630a",
    type: 1,
    seq: 4,
    body: [1, [1, ["abc"]]],
  },
  {
    name: "PING reply",
    dialect: "v6",
    hex: "0000000a000211541151080c6162630a",
    type: 2,
    seq: 4,
    body: [1, "abc"],
  },
  {
    name: "DEL F count 1, seq 5",
    dialect: "v6",
    hex: "0000004300011155115f115211115312080e116275696c74696e732e66756e6374696f6e160e3934303030303030303030303031160f3134303030303030303030303030311151510a",
    type: 1,
    seq: 5,
    body: [
      15,
      [
        2,
        [
          [3, F],
          [1, 1],
        ],
      ],
    ],
  },
  {
    name: "DEL reply None, seq 5",
    dialect: "v6",
    hex: "00000006000211551151000a",
    type: 2,
    seq: 5,
    body: [1, null],
  },
  {
    name: "EXCEPTION KeyError(99), seq 6",
    dialect: "v6",
    hex: "0000003e000311561311080e086275696c74696e73080e084b65794572726f7210b31011080e0f5f72656d6f74655f76657273696f6e080e05362e302e32080c74620a0a",
    type: 3,
    seq: 6,
    body: [["builtins", "KeyError"], [99], [["_remote_version", "6.0.2"]], "tb\n"],
  },
  {
    name: "EXCEPTION StopIteration, seq 7",
    dialect: "v6",
    hex: "0000000400031157510a",
    type: 3,
    seq: 7,
    body: 1,
  },
  {
    name: "reply (1, <list>, (3, <dict>)), seq 8",
    dialect: "v6",
    hex: "0000004d00021158115212115151115412080e0d6275696c74696e732e6c697374160431303030160432303030115211115153115412080e0d6275696c74696e732e646963741604313030311604323030310a",
    type: 2,
    seq: 8,
    body: [
      2,
      [
        [1, 1],
        [4, ["builtins.list", 1000, 2000]],
        [
          2,
          [
            [1, 3],
            [4, ["builtins.dict", 1001, 2001]],
          ],
        ],
      ],
    ],
  },
  {
    name: "CLOSE request, seq 9",
    dialect: "v6",
    hex: "000000080001115911521151020a",
    type: 1,
    seq: 9,
    body: [2, [1, []]],
  },
  {
    name: "CLOSE request of the server, seq 0",
    dialect: "v6",
    hex: "000000080001115011521151020a",
    type: 1,
    seq: 0,
    body: [2, [1, []]],
  },
  {
    name: 'compressed reply "z" * 4000, seq 10',
    dialect: "v6",
    hex: "00000038017801edd0310d00200c00b06517df32697b91821aa42283a795d0ecddb32aa2eec1800103060c183060c0800103060c18f83ef0008741743f0a",
    type: 2,
    seq: 10,
    body: [1, "z".repeat(4000)],
  },
];
