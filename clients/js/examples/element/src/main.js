import { actionsOf, makeClient } from 'notifygate/adapter';
import 'notifygate/element';
import 'notifygate/bell.css';
import '../../style.css';

// One client for the bell and for the page's own list. A page with the bell alone needs no script of its own:
// <notifygate-bell token-url="/my/notification-token"></notifygate-bell>
const client = makeClient({ tokenUrl: '/my/notification-token' });
const { markRead, markAllRead } = actionsOf(client);

const toggle = document.getElementById('toggle');
let hide = show();

toggle.onclick = () => {
  hide = hide ? hide() : show();
  toggle.textContent = hide ? 'Hide the inbox' : 'Show the inbox';
};

/** Show the inbox; return the function that removes it. */
function show() {
  const section = document.getElementById('inbox').content.firstElementChild.cloneNode(true);
  section.querySelector('notifygate-bell').client = client;
  section.querySelector('.mark-all').onclick = () => markAllRead();
  document.body.append(section);
  const unsubscribe = client.subscribe(render);
  render();
  return () => {
    unsubscribe();
    section.remove();
  };

  function render() {
    const { notifications, status, unread } = client.getSnapshot();
    section.querySelector('.count').textContent = status === 'pending' ? 'Loading' : `${unread} unread`;
    section.querySelector('.items').replaceChildren(...notifications.map(listItem));
  }
}

function listItem(notification) {
  const item = document.createElement('li');
  item.textContent = notification.title;
  if (!notification.read_at) {
    const button = document.createElement('button');
    button.textContent = 'Mark as read';
    button.onclick = () => markRead(notification.id);
    item.className = 'unread';
    item.append(button);
  }
  return item;
}
