// The whole API as one fetch function: the order of the middleware, the routes, and what happens when none fits.
import { OpenAPIHono } from "@hono/zod-openapi";
import { methodNotAllowed } from "hono/method-not-allowed";
import type { Deps } from "./deps.ts";
import {
  type AppEnv,
  allowBrowsers,
  createAuthenticator,
  handleError,
  handleMethodNotAllowed,
  handleNotFound,
  requestId,
  securityHeaders,
} from "./middleware/mod.ts";
import {
  addAccountRoutes,
  addAccountsRoutes,
  addCommandRoutes,
  addHealthRoutes,
  addHistoryRoutes,
  addInternalRoutes,
  addLoginRoutes,
  addOpenApiRoute,
  addOrderRoutes,
  addPositionRoutes,
  addTradeRoutes,
  type Router,
} from "./routes/mod.ts";
import { createHealthCheck } from "./services/mod.ts";
import { VERSION } from "./version.ts";

/** The gateway removes `/functions/v1` and leaves the function's own name in the path. */
export const BASE_PATH = "/api/v1";

export function createApp(deps: Deps): OpenAPIHono<AppEnv> {
  const { services, clock } = deps;
  const app = new OpenAPIHono<AppEnv>().basePath(BASE_PATH);
  // Outermost first, and for every path: an answer about a path that is not ours needs an id and CORS headers as well.
  const everything = new OpenAPIHono<AppEnv>();
  everything.onError(handleError);
  everything.notFound(handleNotFound);
  everything.use(requestId({ log: services.log, newId: services.newId, monotonicMs: clock.monotonicMs }));
  everything.use(securityHeaders());
  everything.use(allowBrowsers(deps.corsOrigins));
  everything.use(methodNotAllowed({ app: everything, onMethodNotAllowed: handleMethodNotAllowed }));

  const router: Router = { app, authenticate: createAuthenticator(deps.verifyUserToken), keepAlive: deps.keepAlive };
  addLoginRoutes(router, services);
  addAccountsRoutes(router, services);
  addAccountRoutes(router, services);
  addTradeRoutes(router, services);
  addPositionRoutes(router, services);
  addOrderRoutes(router, services);
  addHistoryRoutes(router, services);
  addCommandRoutes(router, services);
  addHealthRoutes(router, createHealthCheck(services, VERSION));
  addInternalRoutes(router, services);
  addOpenApiRoute(router, VERSION);
  everything.route("/", app);
  return everything;
}
