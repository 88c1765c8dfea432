// What Angular's compiler made of main.ts, and the style sheets that angular.json would name.
import '../compiled/main.js';
import 'notifygate/bell.css';
import '../../style.css';
