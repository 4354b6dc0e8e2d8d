// A user of the app, as the tests and the demo play one: signs up at the auth server, then calls the API as a browser
// would, with nothing but the base URL, the publishable key and the access token.

export type ApiAnswer = {
  status: number;
  headers: Headers;
  /** The body as it came, for comparisons byte by byte. */
  text: string;
  /** Parsed; undefined when there was none. Tests look at what they expect and fail on what is missing. */
  body: Json;
};
// biome-ignore lint/suspicious/noExplicitAny: answers are compared field by field; a wrong field fails the assertion.
type Json = any;

export type CallOptions = {
  body?: unknown;
  key?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
};

export type Trader = {
  readonly email: string;
  readonly userId: string;
  readonly accessToken: string;
  call(method: string, path: string, options?: CallOptions): Promise<ApiAnswer>;
  get(path: string): Promise<ApiAnswer>;
  post(path: string, body?: unknown, key?: string): Promise<ApiAnswer>;
};

export type ApiAddress = { api_url: string; publishable_key: string };

let counter = 0;

/** Signs a new user up. Rejects when the auth server refuses. */
export async function signUp(address: ApiAddress, name = "trader"): Promise<Trader> {
  counter += 1;
  const email = `${name}-${process.pid}-${Date.now()}-${counter}@example.com`;
  const response = await fetch(`${address.api_url}/auth/v1/signup`, {
    method: "POST",
    headers: { apikey: address.publishable_key, "content-type": "application/json" },
    body: JSON.stringify({ email, password: `pass-${email}` }),
  });
  const session = (await response.json()) as { access_token?: string; user?: { id: string } };
  if (session.access_token === undefined || session.user === undefined) {
    throw new Error(`sign-up failed: HTTP ${response.status} ${JSON.stringify(session)}`);
  }
  return traderWith(address, email, session.user.id, session.access_token);
}

export function traderWith(address: ApiAddress, email: string, userId: string, accessToken: string): Trader {
  const call: Trader["call"] = (method, path, options = {}) =>
    callApi(address, method, path, {
      ...options,
      headers: { authorization: `Bearer ${accessToken}`, ...options.headers },
    });
  return {
    email,
    userId,
    accessToken,
    call,
    get: (path) => call("GET", path),
    post: (path, body, key) => call("POST", path, { body, ...(key === undefined ? {} : { key }) }),
  };
}

/** One request to the API, without a user unless `headers` carry one. */
export async function callApi(
  address: ApiAddress,
  method: string,
  path: string,
  { body, key, headers = {}, signal }: CallOptions = {},
): Promise<ApiAnswer> {
  const response = await fetch(`${address.api_url}/functions/v1/api/v1${path}`, {
    method,
    headers: {
      apikey: address.publishable_key,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(key === undefined ? {} : { "idempotency-key": key }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal === undefined ? {} : { signal }),
  });
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
}
