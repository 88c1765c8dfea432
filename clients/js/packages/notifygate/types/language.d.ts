// The type of notifygate-bell.<language>.js: the texts of the bell in that language.

import NotifygateBell = require("./notifygate-bell");

export = strings;

declare const strings: NotifygateBell.Strings;
