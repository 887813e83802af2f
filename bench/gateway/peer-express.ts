/** A peer of the bench: the usual way to build a gateway with Express. */
import { readFileSync } from 'node:fs';
import { Agent } from 'node:http';
import express, { type NextFunction, type Request, type Response } from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import jsonwebtoken from 'jsonwebtoken';

const key = readFileSync(process.env['PUBLIC_KEY'] ?? '', 'utf8');
const app = express();

const authenticate = (req: Request, res: Response, next: NextFunction): void => {
  try {
    const token = (req.headers.authorization ?? '').slice('Bearer '.length);
    const claims = jsonwebtoken.verify(token, key, { algorithms: ['RS256'] });
    req.headers['x-user-id'] = String(claims.sub);
    next();
  } catch {
    res.status(401).json({ error: 'invalid token' });
  }
};

app.use(authenticate);
app.use(
  createProxyMiddleware({
    target: process.env['UPSTREAM'] ?? '',
    agent: new Agent({ keepAlive: true, maxSockets: 128 }),
  }),
);
app.listen(Number(process.env['PORT']), '127.0.0.1');
