import { expect, it } from 'vitest';
import { receiverOf } from './receiver.ts';

it('names the host of a receiver, and nothing that may open a door', () => {
  const webhookUrl = 'https://user:secret@hooks.example.org:8443/in/T0KEN?key=secret';
  const named = receiverOf('webhook', { webhookUrl });
  expect(named).toMatchObject({ receiver: 'hooks.example.org:8443', hint: expect.stringContaining('WEBHOOK_URL') });
  expect(JSON.stringify(named)).not.toMatch(/secret|T0KEN|user/);
  const kafkaBrokers = ['kafka-1:9092', 'kafka-2:9092'];
  expect(receiverOf('kafka', { kafkaBrokers })).toMatchObject({ receiver: 'kafka-1:9092, kafka-2:9092' });
  expect(receiverOf('log', {})).toEqual({});
});
