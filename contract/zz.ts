import { x } from './errors';
import fs from 'fs';
const a: any = 1;
const b = 2;
try { a } catch {}
