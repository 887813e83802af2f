/** `/openapi.json` and a page that a person can read, both made from the route table. */
import { type OpenApiOptions, openApiDocument } from '@sallyport/contract/openapi';
import { type RouteDefinition, routePath } from '@sallyport/contract/routes';
import type { FastifyInstance } from 'fastify';

export const apiVersion = '0.1.0';

export const mountDocs = (app: FastifyInstance, options: Omit<OpenApiOptions, 'version'>): void => {
  const document = openApiDocument({ ...options, version: apiVersion });
  const page = docsPage(options);
  app.get('/openapi.json', async () => document);
  app.get('/docs', async (_, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header(
        'content-security-policy',
        "default-src 'none'; style-src 'unsafe-inline'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      )
      .send(page),
  );
};

const style = `body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem;color-scheme:light dark}
code{font:14px ui-monospace,monospace}section{border-top:1px solid #8884;padding:.5rem 0}h2{font-size:1.05rem;margin:.5rem 0}
pre{overflow:auto;background:#8881;padding:.75rem;border-radius:.4rem}.tag{font-size:.8rem;opacity:.75}`;

const docsPage = ({ title, routes, basePath }: Omit<OpenApiOptions, 'version'>): string =>
  `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${style}</style>
<h1>${escapeHtml(title)}</h1><p>Machine-readable: <a href="/openapi.json">/openapi.json</a> (OpenAPI 3.1).</p>
${routes.map((route) => section(route, basePath)).join('\n')}</html>`;

const section = (route: RouteDefinition, basePath: string): string =>
  `<section><h2><code>${route.method} ${escapeHtml(routePath(route, basePath))}</code></h2>
<p>${escapeHtml(route.summary)} <span class="tag">${route.bearer ? 'needs Authorization: Bearer' : 'open'}</span></p>
${route.body ? `<details><summary>Body</summary><pre>${escapeHtml(JSON.stringify(route.body, null, 2))}</pre></details>` : ''}
<p class="tag">Errors: ${route.errors.map(escapeHtml).join(', ') || 'the common ones'}</p></section>`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
