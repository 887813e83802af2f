import { expect, it } from 'vitest';
import { cookieValues } from './cookies.ts';

it('gives every value of a name and nothing of its neighbours', () => {
  expect(cookieValues('a=1; csrf_token=x=y; b=2', 'csrf_token')).toEqual(['x=y']);
  expect(cookieValues('csrf_token=one; csrf_token=two', 'csrf_token')).toEqual(['one', 'two']);
  expect(cookieValues(['csrf_token=one', ' csrf_token = two '], 'csrf_token')).toEqual(['one', 'two']);
  expect(cookieValues('xcsrf_token=1; csrf_token2=2; csrf_token', 'csrf_token')).toEqual([]);
  expect(cookieValues(undefined, 'csrf_token')).toEqual([]);
});
