import { adminApiDocument, openApiDocument } from '@sallyport/contract/openapi';
import { issuerRoutes } from '@sallyport/contract/routes';

/** The issuer's API in the engine's own shape: e-mail login below `/auth`. A running server prints its preset's. */
export const openApiFile = (): string => {
  const shape = { identifier: 'email', requiredFields: [], optionalFields: ['name'] } as const;
  const document = openApiDocument({
    title: 'Sallyport issuer',
    version: '0.1.0',
    routes: issuerRoutes(shape),
    basePath: '/auth',
  });
  return `${JSON.stringify(document, null, 2)}\n`;
};

/** The admin API is the same in every preset. */
export const adminApiFile = (): string =>
  `${JSON.stringify(adminApiDocument({ title: 'Sallyport admin API', version: '0.1.0' }), null, 2)}\n`;
