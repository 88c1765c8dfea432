import { StrictMode, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { NotifygateProvider } from 'notifygate/react';
import 'notifygate/bell.css';
import '../../style.css';
import { App } from './App';

function Session() {
  const [user, setUser] = useState('alice');
  return (
    <NotifygateProvider tokenUrl="/my/notification-token" user={user}>
      <App />
      <button onClick={() => setUser(user === 'alice' ? 'bob' : 'alice')}>Change the user</button>
    </NotifygateProvider>
  );
}

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <Session />
  </StrictMode>
);
