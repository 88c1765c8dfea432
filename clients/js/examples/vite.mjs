/**
 * How the examples are built, and served by `npm run dev`: then the gateway of `make demo` answers, and a token endpoint
 * as your own server would have one gives out the tokens of the demo's Alice.
 */

const GATEWAY = 'http://127.0.0.1:8080';

const tokenEndpoint = {
  name: 'token-endpoint',
  configureServer(server) {
    server.middlewares.use('/my/notification-token', async (request, response) => {
      const answer = await fetch(`${GATEWAY}/demo/login`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ person: 'alice' })
      });
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ token: (await answer.json()).token }));
    });
  }
};

/** Return the configuration of an example that needs these plugins. */
export function example(plugins = []) {
  return {
    base: './',
    plugins: [...plugins, tokenEndpoint],
    server: { proxy: { '/v1': GATEWAY } },
    // Files of the bell are modules of their own: no other policy than 'self' is needed.
    build: { assetsInlineLimit: 0, modulePreload: false }
  };
}
