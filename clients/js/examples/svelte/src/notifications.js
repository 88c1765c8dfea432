import { createNotifygate } from 'notifygate/svelte';

export const { bell, notifications, unreadCount, topics, markRead, markAllRead } = createNotifygate({
  tokenUrl: '/my/notification-token'
});
