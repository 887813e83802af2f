import { expect, it } from 'vitest';
import { cookieValues } from './cookies.ts';

it('gives every value of a name and nothing of its neighbours', () => {
  expect(cookieValues('a=1; csrf_token=x=y; b=2', 'csrf_token')).toEqual(['x=y']);
  expect(cookieValues('csrf_token=one; csrf_token=two', 'csrf_token')).toEqual(['one', 'two']);
  expect(cookieValues(['csrf_token=one', ' csrf_token = two '], 'csrf_token')).toEqual(['one', 'two']);
  expect(cookieValues('xcsrf_token=1; csrf_token2=2; csrf_token', 'csrf_token')).toEqual([]);
  expect(cookieValues(undefined, 'csrf_token')).toEqual([]);
});

it('never take a name for another that differs by a space which is no ASCII space', () => {
  expect(cookieValues('\u00a0__Host-csrf_token=planted; __Host-csrf_token=real', '__Host-csrf_token')).toEqual([
    'real',
  ]);
  expect(cookieValues('\ufeff__Host-csrf_token=planted', '__Host-csrf_token')).toEqual([]);
  expect(cookieValues('a=1;\t b = 2 ;c=3', 'b')).toEqual(['2']);
});
