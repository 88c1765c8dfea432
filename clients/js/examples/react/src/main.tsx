import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { NotifygateProvider } from 'notifygate/react';
import 'notifygate/bell.css';
import '../../style.css';
import { App } from './App';

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <NotifygateProvider tokenUrl="/my/notification-token">
      <App />
    </NotifygateProvider>
  </StrictMode>
);
