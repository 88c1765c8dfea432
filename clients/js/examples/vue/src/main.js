import { createApp } from 'vue';
import { createNotifygate } from 'notifygate/vue';
import 'notifygate/bell.css';
import '../../style.css';
import App from './App.vue';

createApp(App)
  .use(createNotifygate({ tokenUrl: '/my/notification-token' }))
  .mount('#app');
