import { randomInt } from 'node:crypto';
import type { RunningServer } from '@sallyport/example-kit/run';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startChatPage } from './start-chat-page.ts';

let server: RunningServer;
beforeAll(async () => {
  server = await startChatPage({
    PAGE_PORT: String(randomInt(20_000, 28_000)),
    USER_SERVICE_URL: 'https://login.example.org',
    CHAT_SERVICE_URL: 'https://chat.example.org/',
    LOG_LEVEL: 'silent',
  });
});
afterAll(() => server.stop());

it('tells the page where the servers are, and lets it talk to these alone', async () => {
  const answer = await fetch(server.urls.public);
  const page = await answer.text();
  expect(page).toContain('<meta name="auth-url" content="https://login.example.org/api/auth">');
  expect(page).toContain('<meta name="chat-url" content="https://chat.example.org/api">');
  const policy = answer.headers.get('content-security-policy');
  expect(policy).toContain(
    "connect-src 'self' https://login.example.org https://chat.example.org wss://chat.example.org;",
  );
  expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';");
  expect(policy).not.toMatch(/unsafe|\*|data:/);
  expect(page).not.toMatch(/\{\{|<script>|<style|\son\w+=| style=/);
});

it('refuses addresses that are none', async () => {
  await expect(startChatPage({ CHAT_SERVICE_URL: 'ws://localhost' })).rejects.toThrow('CHAT_SERVICE_URL');
  await expect(startChatPage({ USER_SERVICE_URL: 'localhost' })).rejects.toThrow('USER_SERVICE_URL');
});
