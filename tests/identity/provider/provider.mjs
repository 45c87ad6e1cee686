// Two OpenID providers, as standard input describes them; standard output says where. They end with standard input.
//
// `told` answers claims at its userinfo endpoint only, as the specification has it by default; `signed` puts them into
// the ID token, as Google does. Whoever names an account at the login form is that account.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const lines = createInterface({ input: process.stdin });
const settings = JSON.parse(await new Promise((resolve) => lines.once('line', resolve)));
lines.on('close', () => process.exit(0));

function configuration(conformIdTokenClaims) {
  return {
    clients: settings.clients,
    jwks: settings.jwks,
    conformIdTokenClaims,
    claims: { email: ['email', 'email_verified'], profile: ['name', 'locale', 'zoneinfo'] },
    pkce: { required: () => true },
    cookies: { keys: ['not a secret'] },
    async findAccount(_ctx, sub) {
      const known = settings.accounts[sub];
      return known && { accountId: sub, claims: async () => ({ sub, ...known }) };
    },
  };
}

async function serve(conformIdTokenClaims) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration(conformIdTokenClaims)).callback());
  return issuer;
}

console.log(JSON.stringify({ told: await serve(true), signed: await serve(false) }));
